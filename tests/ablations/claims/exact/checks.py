"""Results of the functions of exact claims."""


def primary(function, *arms, **settings):
    """Return whether each primary check holds."""
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


def beside(function, *arms, **settings):
    """Return whether each check that is only shown holds."""
    return [c.holds for c in function(arms, 0, **settings) if not c.primary]
