"""Pictures of training, halting, cost, puzzles, states and architecture.

Each function of a module takes plain data and returns a figure; `style.save` writes it. `stored`
calls them with what is in a run's folder. Nothing here touches pyplot's global state or heeds the
user's matplotlib settings: equal input gives equal bytes. Series differ in line style or shape as
well as in colour.

    training      losses, score and halting steps over updates
    halting       steps by difficulty, signals by step, what executions cost
    puzzles       a puzzle, its successive answers, its solution
    states        how both levels move, from `hrm.model.probe`
    levels        what the levels hand to each other; halting position by position
    agent         an agent's learning metrics
    comparison    recipes by tasks, as a heat map
    architecture  a model's blocks with their parameters
    stored        all of these of one run
"""
