"""From anybody's labelled faces to a manifest, and from a manifest to shards that train fast."""
