"""Big jobs: folders and manifests of any size into one Parquet table, resumable, or on a Ray cluster."""
