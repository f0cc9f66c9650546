"""A competition: its folder, its submission, and the notebook that makes one."""
