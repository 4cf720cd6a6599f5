# Who makes which increment is free: each process prints five lines, and each number comes once.
s/ PID:[0-9]+\]/]/
s/^\[(P-C[0-9])\] Compteur: ([0-9]+)$/[\1]\nCompteur: \2/
