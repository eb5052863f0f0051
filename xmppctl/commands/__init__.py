"""The commands: one module or package for each, exporting ``cmd``; found by scanning."""
