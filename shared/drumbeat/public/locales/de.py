"""German."""

from drumbeat.public.locales import Said, Words

WORDS = Words(
    language="de",
    form_title="Anmelden",
    form_button="Absenden",
    form_subscribe="Anmelden",
    form_agree="Ich möchte „{title}“ per E-Mail erhalten: {about}. Abbestellen kann ich jederzeit.",
    form_about="unsere Neuigkeiten",
    form_flawed="Es wurde noch nichts abgesendet. Bitte prüfen Sie, was markiert ist, und senden Sie noch einmal.",
    form_unsent="Es wurde noch nichts abgesendet.",
    optional="freiwillig",
    leave_empty="Bitte leer lassen",
    labels={
        "email": "E-Mail-Adresse",
        "name": "Name",
        "first_name": "Vorname",
        "last_name": "Nachname",
        "company": "Firma",
        "phone": "Telefon",
        "message": "Nachricht",
        "country": "Land",
        "city": "Ort",
        "website": "Website",
    },
    flaws={
        "unknown": "Dieses Feld hat das Formular nicht.",
        "missing": "Bitte ausfüllen.",
        "repeated": "Diese Angabe kam mehrmals.",
        "file": "Dieses Formular nimmt keine Dateien an.",
        "not_plain": "Hier ist nur einfacher Text möglich.",
        "address": "An diese E-Mail-Adresse kann man nicht schreiben.",
        "trap": "Ein unsichtbares Feld war ausgefüllt, wie Programme es tun. Bitte noch einmal absenden.",
        "too_fast": "Das war schneller, als ein Mensch ein Formular ausfüllt. Bitte noch einmal absenden.",
        "old_page": "Diese Seite war zu lange offen. Bitte noch einmal absenden.",
    },
    confirm_title="Bitte bestätigen",
    confirm_text="Mit diesem Knopf bestätigen Sie, dass Sie sich angemeldet haben und diese Mails erhalten möchten.",
    confirm_button="Ja, ich habe mich angemeldet",
    again_title="Bitte noch einmal drücken",
    again_text="So schnell sind Programme, die Links in Mails prüfen. Bitte drücken Sie noch einmal auf den Knopf.",
    leave_title="Abbestellen",
    leave_text="Mit diesem Knopf bestellen Sie die Liste ab, zu der diese Mail gehört. Das gilt sofort.",
    leave_button="Diese Liste abbestellen",
    leave_only_text="Mit diesem Knopf bestellen Sie diese Liste ab. Das gilt sofort.",
    leave_only_button="„{title}“ abbestellen",
    leave_single="Oder wählen Sie die Listen aus, die Sie nicht mehr möchten:",
    leave_ticked="Ausgewählte Listen abbestellen",
    leave_everything_text="Oder alle auf einmal. Mails zu dem, was Sie bestellen oder anfragen, kommen weiterhin.",
    leave_everything="Alles abbestellen",
    check_inbox=Said(
        "Bitte sehen Sie in Ihr Postfach",
        "Wir haben Ihnen eine Mail mit einem Link gesendet. Sobald Sie dort bestätigen, sind Sie angemeldet. "
        "Kommt sie in einigen Minuten nicht an, sehen Sie bitte bei den unerwünschten Mails nach.",
    ),
    sent=Said("Vielen Dank", "Ihre Angaben sind angekommen. Sie können diese Seite schließen."),
    confirmed=Said("Vielen Dank, Sie sind angemeldet", "Ihre Adresse ist bestätigt. Sie können diese Seite schließen."),
    confirm_received=Said(
        "Vielen Dank, Ihre Bestätigung ist angekommen",
        "Bei uns ist gerade etwas nicht erreichbar. Ihre Bestätigung ist aufbewahrt und gilt, sobald das behoben ist. "
        "Sie gilt nicht, wenn Ihre Anmeldung mehr als sieben Tage zurückliegt oder Sie schon einmal bestätigt und sich "
        "danach abgemeldet haben. Sie können diese Seite schließen.",
    ),
    expired=Said(
        "Dieser Link ist zu alt",
        "Eine Anmeldung kann sieben Tage lang bestätigt werden. Es wurde nichts geändert. "
        "Bitte melden Sie sich noch einmal an, dann senden wir einen neuen Link.",
    ),
    left_since=Said(
        "Sie haben sich inzwischen abgemeldet",
        "Diese Anmeldung hatten Sie bestätigt und danach abbestellt. Es wurde nichts geändert: Sie bleiben abgemeldet. "
        "Wenn Sie unsere Mails wieder möchten, melden Sie sich bitte noch einmal an, dann senden wir einen neuen Link.",
    ),
    unknown_sign_up=Said(
        "Diese Anmeldung kennen wir nicht",
        "Vielleicht wurde sie gelöscht. Es wurde nichts geändert. "
        "Bitte melden Sie sich noch einmal an, wenn Sie unsere Mails möchten.",
    ),
    left_list=Said(
        "Sie sind abgemeldet",
        "Sie erhalten keine Mails mehr aus dieser Liste. Eine Mail, die schon unterwegs ist, kann noch ankommen.",
    ),
    left_some=Said(
        "Sie sind abgemeldet",
        "Sie erhalten keine Mails mehr aus den ausgewählten Listen. "
        "Eine Mail, die schon unterwegs ist, kann noch ankommen.",
    ),
    left_everything=Said(
        "Sie sind von allem abgemeldet",
        "Sie erhalten keine Mails mehr aus unseren Listen. Eine Mail, die schon unterwegs ist, kann noch ankommen.",
    ),
    unknown_mail=Said(
        "Diese Mail kennen wir nicht mehr",
        "Es wurde nichts geändert. Wenn Sie noch Mails von uns erhalten, nehmen Sie bitte den Link in der neuesten.",
    ),
    no_link=Said(
        "Dieser Link funktioniert nicht",
        "Er ist unvollständig oder nicht von uns. Es wurde nichts geändert. "
        "Bitte öffnen Sie den Link in der Mail noch einmal, oder kopieren Sie ihn ganz.",
    ),
    no_form=Said("Dieses Formular gibt es nicht", "Es wurde nichts gesendet. Bitte prüfen Sie die Adresse der Seite."),
    not_read=Said(
        "Das konnte nicht gelesen werden",
        "Es wurde nichts gesendet. Bitte gehen Sie zurück, laden Sie die Seite neu und senden Sie noch einmal.",
    ),
    too_large=Said("Das ist zu viel", "Es wurde nichts gesendet. Bitte gehen Sie zurück und senden Sie weniger."),
    too_often=Said(
        "Bitte warten Sie eine Weile",
        "Diese Adresse wurde fürs Erste oft genug gesendet. Was vorher kam, ist da; dieses Mal wurde nichts gesendet.",
    ),
    unavailable=Said(
        "Das geht gerade nicht",
        "Es wurde nichts gespeichert und nichts geändert. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    ),
    failed=Said("Bei uns ist etwas schiefgegangen", "Bitte versuchen Sie es noch einmal; das kann nicht schaden."),
)
