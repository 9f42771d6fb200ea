"""Many small worlds, each judged in several looks and kept as one file: false alarms, recall, power and calibration."""
