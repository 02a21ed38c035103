"""A process that decides a bulk job piece by piece, as the worker does, until it is killed."""

import sys
import warnings

from services.bulk.runner import run_batch
from services.rights.actor import SYSTEM
from tests.support.world import World, make_app


def main(url, job_id):
    """Say when it begins, then commit one piece after another."""
    warnings.simplefilter("ignore")
    with World(make_app(url)) as world:
        world.be(SYSTEM)
        print("begins", flush=True)
        while not run_batch(world.session, job_id=int(job_id), now=world.now):
            world.session.commit()
        world.session.commit()
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
