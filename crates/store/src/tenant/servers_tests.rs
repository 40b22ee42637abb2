use serde_json::Value;

use super::*;

fn server(id: u32, name: &str, catalog: &str) -> Mcp {
    let row: Value = json!({
        "id": format!("01890000-0000-7000-8000-{id:012}"), "scope": "organization", "name": name,
        "server": {"type": "http", "url": "https://example.com/mcp"}, "catalog": catalog,
    });
    serde_json::from_value(row).unwrap()
}

fn kept(server: &Mcp) -> McpConfiguration {
    let known = json!({
        "id": server.id, "scope": "organization", "catalog": server.catalog, "name": server.name,
        "server": server.server, "rules": {"default": "ask"}, "version": 1,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    serde_json::from_value(known).unwrap()
}

#[test]
fn only_what_the_organization_says_makes_a_difference() {
    let (one, two) = (server(1, "one", "installed"), server(2, "two", "available"));
    let known = [kept(&one), kept(&two)];
    assert_eq!(steps(&[one.clone(), two.clone()], &known), Steps::default());

    let blocked = server(2, "two", "blocked");
    let three = server(3, "three", "installed");
    let found = steps(&[blocked.clone(), three.clone()], &known);
    assert_eq!(found.added, [three]);
    assert_eq!(found.changed, [(kept(&two), blocked)]);
    assert_eq!(found.gone, [kept(&one)]);
}
