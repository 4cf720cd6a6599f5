s/^Processus [0-9]+/Processus N/
