"""The release before, kept as an archive: what runs beside the present code in the simulation and in chaos."""
