"""`TypedDict` and `NotRequired` for every Python that is supported, without a dependency."""

import sys
from typing import TYPE_CHECKING, Any, TypedDict

if sys.version_info >= (3, 11):
    from typing import NotRequired
elif TYPE_CHECKING:
    from typing_extensions import NotRequired
else:

    class NotRequired:
        """Stands in at run time, where nothing looks at it."""

        def __class_getitem__(cls, item: Any) -> Any:
            return item


__all__ = ["NotRequired", "TypedDict"]
