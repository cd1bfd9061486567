"""Other programs' words for varscope."""
