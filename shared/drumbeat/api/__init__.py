"""The console function's routes: the read API and what operators do. Each file is one noun of the API."""
