"""Training a system on a task's boards, in a folder of its own.

learner                    one update: forward, backward, optimisers
losses, q_losses           what is minimised; `stablemax`: its logarithm
optim                      optimisers, averaged weights
loop                       updates until the end, exact and repeatable
runs, checkpoint, tracking a run's folder and what is in it
scoring, margins           what a trained model gets right, and how sure it is
"""
