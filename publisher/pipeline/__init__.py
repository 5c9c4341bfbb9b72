"""What the commands do: harvest sources into the journal, build releases from it, check, dump, forget."""
