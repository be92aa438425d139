"""English."""

from drumbeat.public.locales import Said, Words

WORDS = Words(
    language="en",
    form_title="Sign up",
    form_button="Send",
    form_subscribe="Subscribe",
    form_agree="I want to get “{title}” by e-mail: {about}. I can unsubscribe at any time.",
    form_about="our news",
    form_flawed="Nothing was sent yet. Please look at what is marked, and send it again.",
    form_unsent="Nothing was sent yet.",
    optional="optional",
    leave_empty="Please leave this empty",
    labels={
        "email": "E-mail address",
        "name": "Name",
        "first_name": "First name",
        "last_name": "Last name",
        "company": "Company",
        "phone": "Phone",
        "message": "Message",
        "country": "Country",
        "city": "City",
        "website": "Website",
    },
    flaws={
        "unknown": "This form has no such field.",
        "missing": "Please fill this in.",
        "repeated": "This came more than once.",
        "file": "This form takes no files.",
        "not_plain": "This has to be plain text.",
        "address": "This is no e-mail address that can be written to.",
        "trap": "A field that people do not see was filled, as programs do. Please send the form again.",
        "too_fast": "That was faster than a person fills a form. Please send it again.",
        "old_page": "This page was open for too long. Please send it again.",
    },
    confirm_title="Please confirm",
    confirm_text="With this button you confirm that you signed up, and that you want these mails.",
    confirm_button="Yes, I signed up",
    again_title="One more press, please",
    again_text="That was as fast as programs are that check the links in mails. Please press the button again.",
    leave_title="Unsubscribe",
    leave_text="Press the button, and you get no more mails of this mail's list. It takes effect at once.",
    leave_button="Unsubscribe from this list",
    leave_only_text="Press the button, and you get no more mails of this list. It takes effect at once.",
    leave_only_button="Unsubscribe from “{title}”",
    leave_single="Or choose the lists that you no longer want:",
    leave_ticked="Unsubscribe from the chosen lists",
    leave_everything_text="Or end all of them at once. Mails about what you order or ask for still come.",
    leave_everything="Unsubscribe from everything",
    check_inbox=Said(
        "Please look into your inbox",
        "We sent you a mail with a link. Once you confirm there, you are signed up. "
        "If it does not arrive within a few minutes, look among the unwanted mails.",
    ),
    sent=Said("Thank you", "It has arrived. You can close this page."),
    confirmed=Said("Thank you, you are signed up", "Your address is confirmed. You can close this page."),
    confirm_received=Said(
        "Thank you, we have received it",
        "Something on our side cannot be reached right now. Your confirmation is kept, and counts as soon as "
        "that is back. It will not if you signed up more than seven days ago, or confirmed before and unsubscribed "
        "since. You can close this page.",
    ),
    expired=Said(
        "This link is too old",
        "A sign-up can be confirmed for seven days. Nothing was changed. Please sign up again, and we send a new link.",
    ),
    left_since=Said(
        "You have unsubscribed since",
        "You confirmed this sign-up before, and unsubscribed later. Nothing was changed: you stay unsubscribed. "
        "If you want our mails again, please sign up again, and we send a new link.",
    ),
    unknown_sign_up=Said(
        "We do not know this sign-up",
        "It may have been deleted. Nothing was changed. Please sign up again if you want our mails.",
    ),
    left_list=Said(
        "You are unsubscribed",
        "You get no more mails of this list. A mail that is on its way may still arrive.",
    ),
    left_some=Said(
        "You are unsubscribed",
        "You get no more mails of the lists that you chose. A mail that is on its way may still arrive.",
    ),
    left_everything=Said(
        "You are unsubscribed from everything",
        "You get no more mails of any list. A mail that is on its way may still arrive.",
    ),
    unknown_mail=Said(
        "We do not know this mail any more",
        "Nothing was changed. If you still get mails from us, please use the link in the newest one.",
    ),
    no_link=Said(
        "This link does not work",
        "It is not complete, or it is not one of ours. Nothing was changed. "
        "Please open the link in the mail again, or copy all of it.",
    ),
    no_form=Said("There is no such form", "Nothing was sent. Please check the address of the page."),
    not_read=Said("This could not be read", "Nothing was sent. Please go back, load the page, and send it again."),
    too_large=Said("That is too much", "Nothing was sent. Please go back, and send less."),
    too_often=Said(
        "Please wait a while",
        "This address was sent often enough for now. What was sent before has arrived; this time nothing was sent.",
    ),
    unavailable=Said(
        "This does not work right now", "Nothing was stored and nothing was changed. Please try again in a few minutes."
    ),
    failed=Said("Something failed on our side", "Please try again; it can do no harm."),
)
