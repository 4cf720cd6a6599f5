s/^(  (processus parent|numéro du processus) : )[0-9]+$/\1N/
