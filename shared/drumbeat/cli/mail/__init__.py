"""What `drumbeat doctor --mail` checks: the records of a sending domain, and one mail that was really sent."""
