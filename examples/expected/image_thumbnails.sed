s/PID: [0-9]+\)/PID: N)/
