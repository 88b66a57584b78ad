"""Pictures that merchants uploaded, for everybody."""
