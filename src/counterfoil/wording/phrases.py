"""What each event type is called in a sentence: "u-42 *changed the price of product p-9*".

In a phrase ``{}`` stands for the resource, or for the noun where the event names none; a part
in brackets is left out without a resource. ``members`` are details that say more, the first
that is there is shown.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Phrase(NamedTuple):
    """How an event type is told.

    Attributes:
        text: what the actor did.
        noun: what the resource is where the event does not say.
        members: names of details of which the first present is told after the phrase.
        field: the state's field that the phrase is about: its change is told without a name.
    """

    text: str
    noun: str = "resource"
    members: tuple[str, ...] = ()
    field: str | None = None


PHRASES: Final[dict[str, Phrase]] = {
    # Authentication
    "user_login": Phrase("signed in", members=("method",)),
    "user_logout": Phrase("signed out"),
    "login_failed": Phrase("failed to sign in", members=("reason",)),
    "password_reset_requested": Phrase("asked for a password reset"),
    "password_reset_completed": Phrase("completed a password reset"),
    "mfa_enabled": Phrase("switched on the second factor", members=("method",)),
    "mfa_disabled": Phrase("switched off the second factor", members=("method",)),
    "session_expired": Phrase("was signed out as the session expired"),
    "api_key_created": Phrase("created {}", "API key", ("scope",)),
    "api_key_revoked": Phrase("revoked {}", "API key", ("reason",)),
    # Accounts
    "user_created": Phrase("created {}", "user"),
    "user_updated": Phrase("updated {}", "user"),
    "user_deleted": Phrase("deleted {}", "user", ("reason",)),
    "user_activated": Phrase("activated {}", "user"),
    "user_deactivated": Phrase("deactivated {}", "user", ("reason",)),
    "password_changed": Phrase("changed the password[ of {}]", "user"),
    "email_changed": Phrase("changed the email address[ of {}]", "user", field="email"),
    "user_profile_updated": Phrase("updated the profile[ of {}]", "user"),
    # Permissions
    "permission_changed": Phrase("changed the permissions of {}", "user", ("permission",)),
    "role_assigned": Phrase("gave a role to {}", "user", ("role",)),
    "role_revoked": Phrase("took a role from {}", "user", ("role",)),
    "access_denied": Phrase("was denied access[ to {}]", members=("reason",)),
    # Products
    "product_created": Phrase("created {}", "product", ("name",)),
    "product_updated": Phrase("updated {}", "product"),
    "product_deleted": Phrase("deleted {}", "product", ("reason",)),
    "product_activated": Phrase("activated {}", "product"),
    "product_deactivated": Phrase("deactivated {}", "product", ("reason",)),
    "price_changed": Phrase("changed the price of {}", "product", field="price"),
    "inventory_updated": Phrase("updated the stock of {}", "product", field="stock"),
    # Orders and payments
    "order_created": Phrase("placed {}", "order", ("total",)),
    "order_updated": Phrase("updated {}", "order"),
    "order_canceled": Phrase("canceled {}", "order", ("reason",)),
    "order_shipped": Phrase("shipped {}", "order", ("carrier",)),
    "payment_received": Phrase("paid[ {}]", "order", ("amount",)),
    "payment_refunded": Phrase("refunded {}", "order", ("amount",)),
    # Data and reports
    "data_exported": Phrase("exported data[ of {}]", members=("rows", "format")),
    "data_imported": Phrase("imported data[ into {}]", members=("rows", "format")),
    "data_deleted": Phrase("deleted data[ of {}]", members=("rows",)),
    "report_generated": Phrase("generated {}", "report", ("title",)),
    # Settings and features
    "settings_changed": Phrase("changed the settings[ of {}]"),
    "configuration_changed": Phrase("changed the configuration[ of {}]"),
    "feature_enabled": Phrase("switched on {}", "feature"),
    "feature_disabled": Phrase("switched off {}", "feature"),
    # Files
    "file_uploaded": Phrase("uploaded {}", "file", ("name", "bytes")),
    "file_downloaded": Phrase("downloaded {}", "file", ("name", "bytes")),
    "file_deleted": Phrase("deleted {}", "file", ("name",)),
    # Messages and chat
    "email_sent": Phrase("sent an email[ about {}]", members=("template",)),
    "sms_sent": Phrase("sent a text message[ about {}]", members=("template",)),
    "notification_sent": Phrase("sent a notification[ about {}]", members=("template",)),
    "chat_room_created": Phrase("created {}", "chat room"),
    "chat_message_sent": Phrase("wrote[ in {}]", "chat room"),
    "chat_message_edited": Phrase("edited {}", "chat message"),
    "chat_message_deleted": Phrase("deleted {}", "chat message"),
    "chat_member_added": Phrase("added a member to {}", "chat room", ("member",)),
    "chat_member_removed": Phrase("removed a member from {}", "chat room", ("member",)),
    # Integrations
    "external_api_called": Phrase("called an external API[ for {}]", members=("service", "status")),
    "webhook_received": Phrase("received a webhook[ about {}]", members=("source",)),
    "webhook_processed": Phrase("processed a webhook[ about {}]", members=("source",)),
    # Operations
    "system_started": Phrase("started {}", "system", ("version",)),
    "system_stopped": Phrase("stopped {}", "system", ("reason",)),
    "backup_created": Phrase("made {}", "backup", ("bytes",)),
    "backup_restored": Phrase("restored {}", "backup"),
    "maintenance_mode_enabled": Phrase("began maintenance[ of {}]", members=("reason",)),
    "maintenance_mode_disabled": Phrase("ended maintenance[ of {}]"),
    # Privacy and consent
    "gdpr_data_export": Phrase("exported the personal data[ of {}]"),
    "gdpr_data_deleted": Phrase("deleted the personal data[ of {}]"),
    "terms_accepted": Phrase("accepted the terms", members=("version",)),
    "privacy_policy_accepted": Phrase("accepted the privacy policy", members=("version",)),
    # The log's own
    "audit.read": Phrase("read the log"),
    "audit.export": Phrase("exported events"),
    "audit.verify": Phrase("verified the log"),
    "audit.purge": Phrase("purged expired events"),
    "audit.decay": Phrase("dropped expired disclosures"),
    "audit.erase": Phrase("erased a person"),
    "audit.conflict": Phrase("refused another event under a recorded id"),
    "audit.hold_placed": Phrase("placed a legal hold"),
    "audit.hold_released": Phrase("released a legal hold"),
    "audit.config": Phrase("changed the log's own configuration"),
    "audit.key": Phrase("changed an access key", members=("name",)),
    "audit.gap": Phrase("counted events that could not be written"),
    "audit.restored": Phrase("went on from a restored backup"),
}

#: A type that has no phrase of its own is named as it is.
OTHER: Final = Phrase("did {type}[ on {}]")

#: Of the log's own events, by type and kind: what exactly was done.
KINDS: Final[dict[str, Phrase]] = {
    "audit.config:server_configured": Phrase("configured the server"),
    "audit.config:server_settings_changed": Phrase("changed the server's settings"),
    "audit.key:access_key_created": Phrase("made an access key", members=("name",)),
    "audit.key:access_key_revoked": Phrase("revoked an access key", members=("name",)),
    "audit.key:access_key_rotated": Phrase("rotated an access key", members=("name",)),
    "audit.key:token_key": Phrase("made a key for tokens"),
    "audit.read:count": Phrase("counted events"),
    "audit.read:entries": Phrase("read a log's entries"),
    "audit.read:event": Phrase("opened an event"),
    "audit.read:follow": Phrase("watched the log live"),
    "audit.read:proof": Phrase("had an event proved"),
    "audit.read:query": Phrase("searched the log"),
    "audit.read:timeline": Phrase("counted events over time"),
    "audit.read:viewer_token": Phrase("made a viewer token"),
}
