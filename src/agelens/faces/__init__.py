"""From a picture to aligned faces: open it, find faces, cut them out, judge them. No model of age here."""
