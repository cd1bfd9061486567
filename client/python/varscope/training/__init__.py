"""What training loops are made of: schedules, averages, sessions that watch, servers and clusters."""
