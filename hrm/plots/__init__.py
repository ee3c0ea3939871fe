"""Pictures of training, halting, cost, puzzles, states and architecture.

Each function takes plain data and returns a figure; `style.save` writes it. `stored` calls them
with the data in a run's folder. Nothing here uses pyplot's global state or the user's matplotlib
settings, so that equal input gives equal bytes. Series differ in line style or marker as well as in
colour.

    training      losses, score and halting steps over updates
    halting       steps by difficulty, signals by step, what executions cost
    puzzles       a puzzle, its successive answers, its solution
    states        how both levels' states change, from `hrm.model.probe`
    levels        the messages between the levels; halting at each position
    agent         an agent's learning metrics
    comparison    recipes by tasks, as a heat map
    architecture  a model's blocks with their parameters
    stored        all of these of one run
"""
