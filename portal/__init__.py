"""The portal: log-in, pages, the worker, the wiring of events to handlers, the command line."""
