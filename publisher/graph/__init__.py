"""OParl objects to quads and back: pure functions compiled from the one table, without any I/O."""
