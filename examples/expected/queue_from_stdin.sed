s/PID:( ?)[0-9]+/PID:\1N/
s/Entrez un message à produire: //g
