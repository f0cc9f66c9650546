"""Networks: each takes (B, 3, S, S) normalised RGB and answers age and gender logits.

All but ``config`` needs torch.
"""
