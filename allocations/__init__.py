"""People, the programme and its accounts. Knows neither the web nor Kubernetes."""
