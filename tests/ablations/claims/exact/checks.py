"""What a function of an exact claim decides."""


def primary(function, *arms, **settings):
    """Whether each check holds that carries the verdict."""
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


def beside(function, *arms, **settings):
    """Whether each check holds that is only shown."""
    return [c.holds for c in function(arms, 0, **settings) if not c.primary]
