"""What every noun stands on: rows, time, errors, answers, states, events, the outbox and the audit trail."""
