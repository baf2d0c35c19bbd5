"""The audit trail in plain words: a sentence for each verb that the code records."""

from allocations.kernel.audit import AuditEntry

# Who is before it, what it was done to behind it.
WORDS = {
    "access_grant.add_open": "Added an open dataset to the project",
    "access_grant.revoke": "Took back access to the dataset",
    "access_request.approved": "Approved the data request",
    "access_request.draft": "Changed the declared use, so that the data request waits again",
    "access_request.pending": "Sent the data request to the custodian",
    "access_request.refused": "Refused the data request",
    "allocation.active": "Started the allocation",
    "allocation.closed": "Closed the allocation",
    "allocation.consent": "Answered for the machines of the allocation",
    "allocation.declined": "Declined the allocation",
    "allocation.ended": "Ended the allocation",
    "allocation.suspended": "Suspended the allocation",
    "audit.verify": "Verified the audit trail",
    "award.accepted": "Accepted the award",
    "award.declined": "Declined the award",
    "call.concluded": "Concluded the call",
    "call.edit": "Changed the call",
    "call.published": "Published the call",
    "call.start": "Began a call",
    "identity.first_seen": "Logged in for the first time, which made the account",
    "identity.hold": "Held a log-in, because much about the account had changed at once",
    "notebook.restart": "Started the notebook again",
    "notebook.start": "Started a notebook",
    "notebook.stop": "Stopped the notebook",
    "person.welcome": "Filled in the profile and accepted the terms of use",
    "project.add_member": "Added a member to the project",
    "project.invite": "Invited somebody to the project",
    "project.remove_member": "Removed a member from the project",
    "proposal.awarded": "Awarded the proposal",
    "proposal.declined": "Declined the proposal",
    "proposal.in_review": "Forwarded the proposal to review",
    "proposal.returned": "Returned the proposal for changes",
    "proposal.start": "Began a proposal",
    "proposal.submitted": "Submitted the proposal",
    "proposal.withdrawn": "Withdrew the proposal",
    "review.accepted": "Accepted to review",
    "review.cancelled": "Cancelled the request for a review",
    "review.conflicted": "Declared a conflict of interest",
    "review.invite": "Asked for a review",
    "review.invited": "Asked for a review once more",
    "review.refused": "Declined to review",
    "review.submitted": "Submitted the review",
    "role.grant": "Granted a role",
    "session.end": "Ended a session",
    "team.accept": "Joined the team of the proposal",
    "team.decline": "Declined to join the team of the proposal",
}


def sentence(entry: AuditEntry) -> str:
    """What was done, for people; a verb of another version of the portal stays as it was recorded."""
    return WORDS.get(entry.verb, entry.verb)
