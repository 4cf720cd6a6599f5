s/^(Lire, puis écrire: )[0-9]+,/\1N,/
