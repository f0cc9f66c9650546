"""A picture becomes aligned faces: opened, looked through, cut out, judged. No model of age here."""
