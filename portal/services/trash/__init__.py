"""What people do with the trash: throw away, look before, bring back, empty, check.

The only room besides the nouns that may write SQL on tables: `include_deleted` and the scope
are then its own business. Specification of soft delete, sections 2 to 7.
"""

from portal.services.trash.bring_back import (
    blocked,
    refuse_if_gone,
    restore,
    restore_each,
    value_taken,
)
from portal.services.trash.check import Finding, doctor
from portal.services.trash.clashes import Clash, changeable
from portal.services.trash.empty import due_for_purge, purge, purge_some, start_purge
from portal.services.trash.forget import forget_people
from portal.services.trash.hand_over import add_dead, give_to
from portal.services.trash.keep import hold, release
from portal.services.trash.last_owner import last_owner_without
from portal.services.trash.look import (
    Preview,
    RestorePreview,
    deletion_of,
    preview,
    preview_restore,
)
from portal.services.trash.many import restore_many, soft_delete_many
from portal.services.trash.merged import refused_as_merged, survivors_of
from portal.services.trash.resume import continue_some, unfinished
from portal.services.trash.throw_away import soft_delete, soft_delete_cascade

__all__ = [
    "Clash",
    "Finding",
    "Preview",
    "RestorePreview",
    "add_dead",
    "blocked",
    "changeable",
    "continue_some",
    "deletion_of",
    "doctor",
    "due_for_purge",
    "forget_people",
    "give_to",
    "hold",
    "last_owner_without",
    "preview",
    "preview_restore",
    "purge",
    "purge_some",
    "refuse_if_gone",
    "refused_as_merged",
    "release",
    "restore",
    "restore_each",
    "restore_many",
    "soft_delete",
    "soft_delete_cascade",
    "soft_delete_many",
    "start_purge",
    "survivors_of",
    "unfinished",
    "value_taken",
]
