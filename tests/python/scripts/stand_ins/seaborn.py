"""A stand-in for seaborn, of which scripts set a style."""


def set(*_, **__):
    pass


def color_palette(*_, **__):
    return [(0.1, 0.2, 0.5)] * 10


set_style = set_context = set_palette = set
