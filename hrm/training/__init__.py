"""Training a system on a task's boards, in a folder of its own.

learner                    one update: forward, backward, optimisers
objectives                 the training loss of a batch
losses, q_losses           the losses; `stablemax`: one of their logarithms
optim, averages            optimisers; averaged weights
loop                       the training loop, exact and reproducible
runs, checkpoint, tracking a run's folder and its files
scoring, margins           scores of a trained model, and their margins over trivial methods
"""
