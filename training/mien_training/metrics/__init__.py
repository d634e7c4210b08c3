"""How far a result is from the truth, and the tables that say so."""
