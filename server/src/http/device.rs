//! The endpoints of the device authorization grant (RFC 8628): one for devices, one for people.

use placet_oauth::params::Params;
use serde_json::json;
use warp::reply::Response;

use super::{authorize, cookie, page, reply, request::Request};
use crate::{
    client, device,
    interaction::{
        Origin,
        open::{self, Opened},
    },
    limits::Asked,
    outcome::{Failure, Fault, Outcome},
    policy, possession,
    server::Server,
};

/// `/device_authorization` (RFC 8628 section 3.1).
pub(super) async fn authorization(server: Server, request: Request) -> Outcome<Response> {
    const PATH: &str = "/device_authorization";
    let params = request.form()?;
    let credentials = request.credentials(&server, &params)?;
    let examined = possession::examine(&server, request.evidence(PATH)?, None)?;
    let client = client::authenticate(&server, &credentials, request.sender(PATH).with(&examined)).await?;
    request.spend(&server, Asked::Device, &client)?;
    if client.is_public() {
        // Anybody can be this client: it may keep no more here than strangers at the authorization endpoint.
        server.limits().address(Asked::Authorize, request.peer)?;
    }
    server.limits().keep(client.is_public().then_some(request.peer))?;
    let client = client.with_possession(examined.prove(&server).await?);
    let asking = policy::request_facts(&server, "device", Some(&params), request.caller());
    let (peer, user_agent) = request.caller();
    let origin = Origin::new(Some(peer), user_agent);
    let started = device::start(&server, &client, &params, (asking, origin)).await?;
    tracing::info!(client = %client.id, "a device asked for a code");
    let body = json!({
        "device_code": started.device_code.expose(),
        "user_code": started.user_code.to_string(),
        "verification_uri": device::verification_uri(&server),
        "verification_uri_complete": device::verification_uri_complete(&server, &started.user_code),
        "expires_in": started.expires_in,
        "interval": started.interval,
    });
    Ok(reply::json(200, &body))
}

/// `/device`: where people go with the code that their device shows.
pub(super) async fn door(server: Server, request: Request) -> Outcome<Response> {
    match begin(&server, &request).await {
        Ok(response) => Ok(response),
        Err(Failure::Refused(error)) => page::error(&request, 400, page::Stopped::Request, &error),
        Err(Failure::TooMany(wait)) => Ok(reply::too_many(wait)),
        Err(fault @ Failure::Fault(_)) => {
            if let Failure::Fault(fault) = &fault {
                tracing::error!(%fault, "a code could not be asked for");
            }
            page::error(&request, 503, page::Stopped::Request, &fault.shown())
        }
    }
}

async fn begin(server: &Server, request: &Request) -> Outcome<Response> {
    let params = Params::parse(request.query.as_bytes())?;
    let typed = params.get("user_code").filter(|code| !code.is_empty());
    let ui = server
        .redirect_ui()
        .ok_or_else(|| Fault::new("device", "no login app is registered with this server"))?;
    server.limits().keep(Some(request.peer))?;
    let mut visitor = cookie::visitor(server, request);
    let binding = cookie::bind(server, &mut visitor)?;
    let mut response = match open::device(server, ui, &visitor, typed.map(|code| (code, true))).await? {
        Opened::Asked(state) => authorize::ask(server, &state),
        Opened::Delivered(_) | Opened::TooLate => {
            return Err(Fault::new("device", "a device was connected without anybody being asked").into());
        }
    };
    if let Some(line) = binding {
        cookie::set(&mut response, &line);
    }
    Ok(response)
}
