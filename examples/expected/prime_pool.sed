s/^[^:]*[0-9]$/ouvrier/
