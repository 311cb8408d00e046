"""The machine: processes, devices, how arrays lie on them, and number formats."""
