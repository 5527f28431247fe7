# Which scope a program gets depends on the tier that its operator gave it. The question of the server is `input`.
package placet.grant.client_credentials

tiers := {"silver": {"reports.read"}, "gold": {"reports.read", "reports.write"}}

granted := [value |
	some value in input.limits.grant.scope
	value in tiers[input.client.data.tier]
]

# Exactly one of the two is defined. Were none, the server would take it for a failure, and issue nothing.
decision := {"decision": "allow", "set": {"grant": {"scope": granted}}} if count(granted) > 0

decision := {"decision": "deny", "error": {"code": "invalid_scope"}, "reason": {"code": "tier"}} if count(granted) == 0
