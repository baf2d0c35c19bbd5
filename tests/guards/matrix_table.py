"""The matrix: rule -> noun -> states -> who is allowed. Whoever and whatever is not named is refused."""

OFFICERS = "owen tess nora"
# Whoever has a log-in of an institution that says they work there.
RESEARCHERS = "priya carlos ruth chen owen dana pat sam ada aude rene dora tess nora"
HOUSED = f"{RESEARCHERS} uma"
PERSONS = f"{HOUSED} gus"
WITHOUT_PRIYA = "carlos ruth chen owen dana pat sam ada aude rene dora tess nora"
TEAM = "priya carlos uma tess"
PHASES = "queued, pulling, starting, running, stopping, stopped, failed"

# States and people stand side by side: "draft, returned" and "priya carlos".
TABLE: dict[str, dict[str, dict[str, str]]] = {
    "access_grant.add_open": {"project and dataset": {"open": f"{TEAM} token"}},
    "access_grant.revoke": {"grant": {"live": "dana dora"}},
    "access_request.decide": {"request": {"pending": "dana dora"}},
    "allocation.consent": {"allocation": {"offered": "pat nora"}, "consent": {"pending": "pat nora"}},
    "appeal.answer": {"decision": {}, "appeal": {"waiting": "owen"}},
    "appeal.make": {
        "decision": {"awarded, declined": "priya"},
        "decision without appeals": {},
        "appeal": {},
    },
    "audit.see": {"nothing": {"always": "aude ada"}},
    "award.accept": {"award": {"offered": "priya"}},
    "award.decline": {"award": {"offered": "priya"}},
    "bid.make": {"call that asks reviewers": {"open": "ruth"}},
    "bid.see": {"call that asks reviewers": {"open, closed": "ruth"}},
    "call_pool.agree_ahead": {"pool of a call": {"open": "pat tess nora"}},
    "call.apply": {"call": {"open": RESEARCHERS}, "call that wants a high assurance": {}},
    "call.ask_bids": {"call": {"upcoming, open, closed": f"chen {OFFICERS}"}},
    "call.assign": {"call": {"upcoming, open, closed": f"chen {OFFICERS}"}},
    "call.calibrate": {"call": {"draft, upcoming, open, closed, concluded": f"chen {OFFICERS}"}},
    "call.chair": {"call": {"draft, upcoming, open, closed, concluded": f"chen {OFFICERS}"}},
    "call.conclude": {"call": {"closed": OFFICERS}},
    "call.correct": {"call": {"upcoming, open, closed": OFFICERS}},
    "call.declare_tie": {"call": {"closed": "chen tess nora"}, "call of applicants": {}},
    "call.decide": {"call": {"draft, upcoming, open, closed, concluded": "chen tess nora"}},
    "call.draw": {"call": {}, "call of applicants": {"closed": "chen nora tess"}},
    "call.edit": {"call": {"draft": OFFICERS}},
    "call.exchange": {"call": {}, "call of applicants": {"closed": OFFICERS}},
    "call.publish": {"call": {"draft": OFFICERS}},
    "call.seal": {"call": {}, "call of applicants": {"upcoming, open, closed": f"chen {OFFICERS}"}},
    "call.return_leftovers": {"call": {"concluded": OFFICERS}},
    "call.split": {"call": {"draft, upcoming, open, closed, concluded": f"chen {OFFICERS}"}},
    "call.start": {"nothing": {"always": OFFICERS}},
    "client.register": {"nothing": {"always": "ada"}},
    "client.renew_secret": {"client": {"confidential": "ada"}},
    "confirmation.answer": {
        "confirmation": {"asked": "rene"},
        "confirmation of the representative": {},
    },
    "conflict.waive": {"proposal": {"in_review": "owen"}},
    "course.hold": {
        "project": {"sponsored, sponsorship over": "priya carlos"},
        "project of others": {"always": "sam"},
    },
    "course.join": {
        "course": {"running": "ruth chen owen dana pat sam ada aude rene dora nora gus", "over, ended": ""}
    },
    "device_request.answer": {"device": {"waiting": PERSONS}},
    "eligible.co_pi": {"nothing": {"always": RESEARCHERS}},
    "eligible.pi": {"nothing": {"always": RESEARCHERS}, "level": {"any, low, medium": RESEARCHERS}},
    "eligible.reviewer": {"nothing": {"always": HOUSED}},
    "eligible.user": {"nothing": {"always": RESEARCHERS}, "sponsorship": {"over": RESEARCHERS}},
    "identity.reject": {"identity": {"held": "ada"}, "identity of the administrator": {}},
    "identity.release": {"identity": {"held, rejected": "ada"}, "identity of the administrator": {}},
    "identity.unlink": {"log-ins": {"another one": "sam"}},
    "meeting.convene": {"call": {"upcoming, open, closed, concluded": f"chen {OFFICERS}"}},
    "meeting.prepare": {"meeting": {"planned, open": f"chen {OFFICERS}"}},
    "meeting.read_minutes": {"meeting": {"closed": PERSONS}},
    "meeting.recuse": {"meeting": {"planned, open": PERSONS}},
    "meeting.run": {"meeting": {"open": f"chen {OFFICERS}"}},
    "merge_request.answer": {"merge": {"asked": "ada"}, "merge of the administrator": {}},
    "merge_request.see": {"nothing": {"always": "ada"}},
    "notebook.open": {
        "wanted notebook": {"running": "uma"},
        "ended notebook": {},
        "wanted notebook of the token's owner": {"running": "priya"},
    },
    "notebook.restart": {
        "wanted notebook": {},
        "ended notebook": {"stopped, failed": "uma"},
        "ended notebook without units": {},
    },
    "notebook.start": {"project and allocation": {"active": f"{TEAM} token"}},
    "notebook.stop": {
        "wanted notebook": {PHASES: "priya carlos uma"},
        "ended notebook": {},
        "wanted notebook of the token's owner": {PHASES: "priya carlos token"},
    },
    "operations.see": {"nothing": {"always": f"ada {OFFICERS}"}},
    "person.disable": {"person": {"enabled": "ada"}, "administrator": {}},
    "person.enable": {"person": {"disabled": "ada"}},
    "person.end_session": {"nothing": {"always": "ada"}},
    "person.see": {"nothing": {"always": f"ada {OFFICERS}"}},
    "person.view_as": {"person to view": {"enabled": "ada"}},
    "project.manage_members": {
        "project": {"sponsored, sponsorship over": "priya carlos"},
        "project of others": {"always": "sam"},
    },
    "project.remove_member": {
        "member": {
            "co_pi": "priya carlos",
            "allocation_manager": "priya carlos tess",
            "user": "priya carlos uma",
        }
    },
    "project.see": {
        "project": {"sponsored, sponsorship over": f"{TEAM} token ada owen nora"},
        "project of others": {"always": f"sam ada {OFFICERS}"},
    },
    "project.sponsor": {"member": {"user": "priya carlos"}},
    "project.work": {
        "project": {"sponsored": f"{TEAM} token", "sponsorship over": "priya carlos tess token"},
        "project of others": {"always": "sam"},
    },
    "proposal.advance": {"proposal at a step": {"technical, review, rebuttal, discussion, panel": "owen"}},
    "proposal.assess": {"proposal and its provider": {"technical": "pat"}},
    "proposal.assign": {"proposal": {"in_review": "owen chen"}},
    "proposal.decide": {"proposal": {"in_review": "chen"}},
    "proposal.discuss": {
        "proposal and own review": {"discussion, panel, decision, acceptance": "owen chen ruth"},
        "proposal and no review": {"discussion, panel, decision, acceptance": "owen chen"},
        "proposal and own review, no discussion": {},
    },
    "proposal.give_grace": {"proposal after closing": {"draft": "owen"}, "proposal": {}},
    "proposal.edit": {
        "proposal": {"draft, returned": "priya carlos"},
        "proposal after closing": {"draft, returned": "priya carlos"},
    },
    "proposal.hide_abstract": {"proposal": {"awarded": "priya"}},
    "proposal.reply": {"proposal at a step": {"rebuttal": "priya"}},
    "proposal.screen": {"proposal": {"submitted": "owen"}},
    "proposal.see_desk": {"nothing": {"always": OFFICERS}},
    "proposal.submit": {
        "proposal": {"draft, returned": "priya"},
        "proposal after closing": {"returned": "priya"},
    },
    "proposal.withdraw": {"proposal": {"draft, returned, submitted, in_review": "priya"}},
    "registry.edit": {"nothing": {"always": "ada"}},
    "personal_relation.keep": {"person": {"enabled, disabled": "sam"}, "reviewer": {"enabled": "ruth"}},
    "publication.keep": {"person": {"enabled, disabled": "sam"}, "reviewer": {"enabled": "ruth"}},
    "review.accept": {"review": {"invited, accepted": "ruth"}},
    "review.answer": {"review": {"invited, accepted": "ruth"}},
    "review.reopen": {"submitted review at step": {"rebuttal, discussion": "ruth"}},
    "review.step_back": {
        "review": {"invited, accepted, submitted": "ruth"},
        "review after the decision": {},
    },
    "review.write": {"review": {"accepted": "ruth"}, "review after the decision": {}},
    "reviewer.say_seniority": {"person": {"enabled": OFFICERS}, "reviewer": {"enabled": OFFICERS}},
    "reviewer.see": {"call": {"draft, upcoming, open, closed, concluded": f"chen {OFFICERS}"}},
    "reviewer_profile.edit": {"person": {}, "reviewer": {"enabled": "ruth"}},
    "role.grant": {"person": {"enabled": "ada"}, "administrator": {}},
    "role.revoke": {"grant of a role": {"live": "ada"}},
    "role_invitation.answer": {
        "invitation": {"invited": f"priya {WITHOUT_PRIYA.replace(' owen', '')} uma gus"},
    },
    "role_invitation.invite": {
        "role": {
            "reviewer, panel_chair": f"ada {OFFICERS}",
            "programme_officer, custodian, dac_member, provider_operator, representative": "ada",
            "auditor, administrator": "ada",
        }
    },
    "role_invitation.see": {"nothing": {"always": f"ada {OFFICERS}"}},
    "role_invitation.withdraw": {
        "invitation": {"invited, expired": f"ada {OFFICERS}"},
        "invitation to audit": {"invited": "ada"},
    },
    "service_token.confirm": {"token": {"waiting": "carlos"}},
    "service_token.make": {
        "project": {"sponsored, sponsorship over": "priya carlos"},
        "project of others": {"always": "sam"},
    },
    "service_token.revoke": {"token": {"waiting, confirmed": "priya carlos"}},
    "team.accept": {
        "place of a co-PI": {"invited": WITHOUT_PRIYA},
        "place of a user": {"invited": f"{WITHOUT_PRIYA} uma gus"},
    },
    "team.correct": {
        "place of a co-PI": {"invited": "priya owen nora"},
        "place of a user": {"invited": "priya owen nora"},
    },
    "team.take_off": {
        "place of a co-PI": {"accepted": "priya carlos"},
        "place of a user": {"accepted": "priya carlos"},
    },
    "team.answer": {
        "place of a co-PI": {"invited": f"{WITHOUT_PRIYA} uma gus"},
        "place of a user": {"invited": f"{WITHOUT_PRIYA} uma gus"},
    },
}
