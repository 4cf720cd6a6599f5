s/ PID:[0-9]+\]/]/
s/(Je suis le processus )[0-9]+/\1N/
