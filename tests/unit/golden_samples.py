"""Every template with its samples, by name."""

from __future__ import annotations

import dataclasses

from bot.alerts.views import AlertView
from bot.answers.views import MyIncident, PlacedAlert, StatusReply, WhereFound, WhereReply
from tests.unit import golden_alerts as alerting
from tests.unit import golden_deploys as deploys
from tests.unit import golden_forecasts as forecasting
from tests.unit import golden_incidents as incidents
from tests.unit import golden_locks as locks
from tests.unit import golden_promotions as promoting
from tests.unit import golden_replies as replies
from tests.unit import golden_rooms as rooms
from tests.unit import golden_trains as trains
from tests.unit.golden_deploys import CHANGE
from tests.unit.golden_replies import CART, CHECKOUT, PRODUCTION

SAMPLES: dict[str, dict[str, object]] = deploys.SAMPLES | locks.SAMPLES | replies.SAMPLES
SAMPLES |= promoting.SAMPLES | trains.SAMPLES | incidents.SAMPLES | alerting.SAMPLES | rooms.SAMPLES
SAMPLES["replies/where"] |= {
    f"ahead: {name}": dataclasses.replace(promoting.FOUND, ahead=(way,)) for name, way in promoting.WAYS.items()
}
SAMPLES["replies/where"] |= {
    f"by train: {name}": dataclasses.replace(promoting.FOUND, ahead=(way,)) for name, way in forecasting.WAYS.items()
}
SAMPLES["cards/change"] |= {
    f"by train: {name}": dataclasses.replace(CHANGE, onward=rides) for name, rides in forecasting.RIDES.items()
}
SAMPLES["replies/where"] = {
    name: WhereReply(asked="812", found=(view,)) if isinstance(view, WhereFound) else view
    for name, view in SAMPLES["replies/where"].items()
}
HELD = dataclasses.replace(
    PRODUCTION, locks=promoting.LOCK_LINES, promotions=(promoting.WAITING,), not_running=promoting.TAKEN_OUT
)
ELSEWHERE = tuple(
    PlacedAlert(alert=AlertView(name="checkout is slow", since=alerting.NOON, url=url), environment=where)
    for url, where in (
        (None, "pre-prod"),
        ("https://grafana.example/d/slow", None),
        *((None, f"qa-{n}") for n in range(4)),
    )
)
SAMPLES["replies/status"] |= {
    "live round the gates": StatusReply(
        services=(
            dataclasses.replace(
                CHECKOUT, targets=(dataclasses.replace(PRODUCTION, round=promoting.ROUND, live_more=9),)
            ),
        ),
        more=0,
    ),
    "alerts fire": StatusReply(
        services=(dataclasses.replace(CHECKOUT, targets=(dataclasses.replace(HELD, alerts=promoting.FIRING),)),),
        more=0,
    ),
    "alerts fire in no environment that is shown": StatusReply(
        services=(
            dataclasses.replace(CHECKOUT, elsewhere=ELSEWHERE),
            dataclasses.replace(CART, elsewhere=ELSEWHERE[:2]),
        ),
        more=0,
    ),
    "held back": StatusReply(services=(dataclasses.replace(CHECKOUT, targets=(HELD,)),), more=0),
    "an incident is open": StatusReply(
        services=(
            dataclasses.replace(
                CHECKOUT,
                incident=incidents.LINE,
                targets=(
                    dataclasses.replace(
                        PRODUCTION,
                        locks=(incidents.LOCKED,),
                        promotions=(incidents.HELD_BACK,),
                        alerts=promoting.FIRING,
                    ),
                ),
            ),
        ),
        more=0,
    ),
    "two, one held back": StatusReply(services=(dataclasses.replace(CHECKOUT, targets=(HELD,)), CART), more=0),
}
SAMPLES["home/home"] |= {
    "incidents are open": dataclasses.replace(
        promoting.EMPTY_HOME,
        incidents=(
            MyIncident(line=incidents.LINE, waits=True),
            MyIncident(line=incidents.QUIET_LINE, waits=False, free=True),
        ),
    )
}
EVERY = [(template, name) for template, views in SAMPLES.items() for name in views]
