"""How the network behaves on a route: *when and whether* bytes leave. Pure: no clock, no waiting, no I/O.

Read in this order: settings.py (what can be asked for), parcel.py (what comes out), plan.py (the planner of one
direction of one connection), then one file for each condition. A pump outside asks the plan and does the waiting.
"""
