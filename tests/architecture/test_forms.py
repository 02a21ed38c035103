"""Every form that posts says whether it makes something: then it carries `once()`."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)
ACTION = re.compile(r"""action="{{ url_for\(('?[\w.]+'?)""")

# Forms that make nothing twice, by where they post to; "" is the page itself.
STATE = {  # the second one finds the state changed, or sets what is set
    "'.assign_view'", "'.claim_view'", "'customer.claim_view'", "'.back'", "'.release_view'",
    "'.move_view'", "'.confirm_view'", "'.agree_view'",
    "'.book_view'", "'.ignore_view'", "'.allocate_view'",
    "'.finish_view'", "'.reopen_view'",  "'.second_view'", "'.erase_view'",
    "'.reverse_view'", "'.submit_view'", "'created.withdraw'", "'.withdraw'", "'.tag_view'",
    "'.detach_view'", "'.restore_view'", "'.delete_view'", "'.resend_view'", "'.read'",
    "'.activate_view'", "'.retire_view'", "'.undo_view'", "'.undo'", "'.run'", "'.check'", "'.map'",
    "'inbox.decide'", "'.decide'", "'inbox.transfer'", "'inbox.add'", "'inbox.back'",
    "'created.urge'", "'.urge'", "'overview.give'", "'overview.urge'",
    "'overview.end'", "'.pair'", "'.table'", "endpoint", "'.revoke_view'",
    "'.recompute'", "'.evaluate'",  # one waits at a time
}  # fmt: skip
SECOND = {  # a code is used up, an app or list of codes takes the place of the last
    "'security.two_factor_setup'", "'security.two_factor_token_validation'",
    "'security.mf_recovery'", "'security.mf_recovery_codes'", "'security.verify'",
    "'passkey.enter'", "'passkey.add'", "'passkey.rename'", "'passkey.delete'",  # asked once
    "'sso.unbind'",
}  # fmt: skip
PERSON = SECOND | {
    "'security.logout'",
    "'security.login'",
    "'.password'",
    "'.columns_view'",
    "'.notices'",
}
CHOICE = {
    "'.action_view'",
    "'customer.action_view'",
    "'.bulk'",
}  # a choice of rows: what is chosen next is another form
STEP = {"'milestone.step_view'"}  # one step as it was seen: a second sending is refused as old
ENQUIRY = {"'progress.progress'", "'progress.follow'"}  # a mailbox is one row an order
MAKES_NOTHING = STATE | PERSON | CHOICE | ENQUIRY | STEP
OWN_PAGE = {
    "admin/_devices.html",  # what has ended has ended
    "admin/profile.html",
    "admin/settings.html",
    "approval/delegation.html",
    "progress/mail.html",
    "cockpit/view.html",  # a pin, a subscription, a limit: each sets what is set
    "cockpit/stop.html",
    "portrait/stop.html",
    "security/forgot.html",  # one letter an hour
    "security/two_factor_setup.html",  # the code of a new app
    "security/choose.html",  # the link is used up
    "security/setup.html",
}
# The refused form sent again to be shown: the key it was refused with is among its fields.
REFILLED = {"security/_refused.html"}
SAVED_VIEWS = {"admin/model/_view_menu.html", "admin/model/views.html"}  # change, delete, prefer


def bare_forms():
    """Yield (template, where it posts to) of every form without a key."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        for form in FORM.findall(path.read_text(encoding="utf-8")):
            if "once(" not in form:
                found = ACTION.search(form.partition(">")[0])
                yield str(path.relative_to(TEMPLATES)), found[1] if found else ""


def test_a_form_without_a_key_makes_nothing():
    unknown = [
        (name, where)
        for name, where in bare_forms()
        if where not in MAKES_NOTHING
        and not (where == "" and name in OWN_PAGE | REFILLED)
        and not (where == "" and name in SAVED_VIEWS)
    ]

    assert unknown == []


def test_forms_with_a_key_are_found_at_all():
    text = [path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")]

    assert sum("once(" in form for one in text for form in FORM.findall(one)) >= 12
