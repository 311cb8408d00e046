"""What people look at: tables, plots and progress."""
