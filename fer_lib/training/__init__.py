"""How a network learns: the only room that imports torch."""
