//! What the commands do.

use std::{io::Read as _, path::Path};

use placet_sdk::admin::{
    ClientEntry, DecisionQuery, DecisionRecord, PolicyChange, PolicyState, SimulationRequest,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    ClientCommand, Connection, DecisionsCommand, Done, Failed, PoliciesCommand,
    accounts::pages,
    output::{object, show, table, word},
};

pub(super) async fn client(at: &Connection, command: ClientCommand) -> Done {
    let admin = at.client()?;
    match command {
        ClientCommand::List => {
            let found = pages(async |cursor| admin.clients(cursor.as_deref()).await).await?;
            show(at.json, &found, || clients(&found))
        }
        ClientCommand::Show { id } => object(&admin.client(&id).await?),
        ClientCommand::Create { file } => object(&admin.create_client(&read(&file)?).await?),
        ClientCommand::Update { id, file } => object(&admin.update_client(&id, &read(&file)?).await?),
        ClientCommand::Delete { id } => Ok(admin.delete_client(&id).await?),
        ClientCommand::RotateSecret { id } => object(&admin.renew_client_secret(&id).await?),
    }
}

pub(super) async fn policies(at: &Connection, command: PoliciesCommand) -> Done {
    let admin = at.client()?;
    let changed = match command {
        PoliciesCommand::List => {
            let found = admin.policies().await?.items;
            return show(at.json, &found, || states(&found));
        }
        PoliciesCommand::Show { name } => return object(&admin.policy(&name).await?),
        PoliciesCommand::Purge { name } => return Ok(admin.purge_policy(&name).await?),
        PoliciesCommand::Mode { name, mode } => {
            let mode = Some(serde_json::from_value(Value::String(mode))?);
            admin.change_policy(&name, PolicyChange { mode, order: None }).await?
        }
        PoliciesCommand::Order { name, order } => {
            admin.change_policy(&name, PolicyChange { mode: None, order: Some(order) }).await?
        }
    };
    show(at.json, &changed, || states(std::slice::from_ref(&changed)))
}

pub(super) async fn decisions(at: &Connection, command: DecisionsCommand) -> Done {
    let admin = at.client()?;
    match command {
        DecisionsCommand::List { hook, outcome, client_id, sub, policy, limit } => {
            let wanted = DecisionQuery {
                hook: hook.map(|name| serde_json::from_value(Value::String(name))).transpose()?,
                outcome: outcome.map(|name| serde_json::from_value(Value::String(name))).transpose()?,
                client_id,
                sub,
                policy,
                limit: Some(limit),
                ..DecisionQuery::default()
            };
            let found = admin.decisions(&wanted).await?.items;
            show(at.json, &found, || records(&found))
        }
        DecisionsCommand::Show { id } => object(&admin.decision(&id).await?),
        DecisionsCommand::Replay { id } => object(&admin.replay(&id).await?),
    }
}

pub(super) async fn simulate(at: &Connection, question: &str) -> Done {
    let question = if question.starts_with("dec_") {
        SimulationRequest { decision_id: Some(question.to_owned()), request: None }
    } else {
        SimulationRequest { request: Some(read(Path::new(question))?), decision_id: None }
    };
    object(&at.client()?.simulate(&question).await?)
}

pub(super) async fn console(at: &Connection) -> Done {
    let link = at.client()?.console_link().await?;
    if at.json {
        return object(&link);
    }
    println!("{}", link.url);
    eprintln!("The link works once, within {} seconds. Whoever opens it has your roles.", link.expires_in);
    Ok(())
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Failed> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let mut members = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut members).map_err(|e| format!("{}: {e}", file.display()).into())
}

fn clients(found: &[ClientEntry]) {
    let rows = found.iter().map(|client| {
        let by = match client {
            ClientEntry { configured: true, .. } => "configuration",
            ClientEntry { self_registered: true, .. } => "itself",
            _ => "an admin",
        };
        let name = word(&client.metadata.get("client_name"));
        [
            client.client_id.clone(),
            name,
            word(&client.metadata.get("token_endpoint_auth_method")),
            by.to_owned(),
        ]
    });
    table::print(["CLIENT", "NAME", "AUTHENTICATES BY", "REGISTERED BY"], &rows.collect::<Vec<_>>());
}

fn states(found: &[PolicyState]) {
    let rows = found.iter().map(|policy| {
        let types = policy.types.iter().map(word).collect::<Vec<_>>().join(",");
        let failure = policy.last_failure.as_ref().map(|failure| failure.code);
        let breaker = word(&policy.breaker);
        [policy.order.to_string(), policy.name.clone(), word(&policy.mode), breaker, word(&failure), types]
    });
    table::print(["ORDER", "POLICY", "MODE", "BREAKER", "LAST FAILURE", "TYPES"], &rows.collect::<Vec<_>>());
}

/// One line for each policy that was asked, and one for a decision without any.
fn records(found: &[DecisionRecord]) {
    let mut rows = Vec::new();
    for record in found {
        let decision = |policy: String, reason: String, took: u64| {
            let (time, outcome) = (word(&record.time), word(&record.outcome));
            [time, record.id.clone(), word(&record.hook), outcome, policy, reason, format!("{took} ms")]
        };
        for policy in &record.policies {
            let reason = policy.failure.map_or_else(|| word(&policy.reason), |failure| failure.to_string());
            rows.push(decision(policy.name.clone(), reason, policy.latency_ms));
        }
        if record.policies.is_empty() {
            rows.push(decision("-".to_owned(), "-".to_owned(), record.duration_ms));
        }
    }
    table::print(["TIME", "DECISION", "TYPE", "OUTCOME", "POLICY", "REASON OR FAILURE", "TOOK"], &rows);
}
