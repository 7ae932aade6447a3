//! Providers of identities, and who somebody is there.

use jiff::SignedDuration;
use store::*;

use super::world::*;

fn session() -> NewSession {
    NewSession {
        how: Proof::Provider,
        idle: SignedDuration::from_hours(1),
        longest: SignedDuration::from_hours(12),
        address: Some("192.0.2.7".into()),
        agent: None,
    }
}

fn company() -> NewProvider {
    NewProvider {
        name: "Company".into(),
        slug: "company".into(),
        kind: ProviderKind::Oidc,
        issuer: "https://id.example".into(),
        client_id: "socme".into(),
        enabled: true,
        strangers: false,
        rules: ProviderRules::default(),
    }
}

fn shown(provider: &Provider, subject: &str) -> Shown {
    Shown { provider: provider.id, subject: subject.into(), label: format!("{subject}@id.example"), access: None }
}

async fn add(world: &World, new: NewProvider) -> Provider {
    world.store.create_provider(someone(), new, |id| Ok(Some(format!("sealed {id}").into_bytes()))).await.unwrap()
}

#[tokio::test]
async fn a_provider_is_kept_with_its_secret_and_goes_with_it() {
    let world = World::new().await;
    let store = &world.store;
    let made = add(&world, company()).await;
    assert!(made.has_secret);
    let name = Provider::sealed_name(made.id);
    assert_eq!(store.sealed(&name).await.unwrap(), Some(format!("sealed {}", made.id).into_bytes()));
    let again = NewProvider { name: "COMPANY".into(), slug: "other".into(), ..company() };
    assert!(matches!(
        store.create_provider(someone(), again, |_| Ok(None)).await,
        Err(Error::Invalid { field: "name", .. })
    ));
    for slug in ["", "Company", "a/b", "é"] {
        let wrong = NewProvider { name: "Other".into(), slug: slug.into(), ..company() };
        let made = store.create_provider(someone(), wrong, |_| Ok(None)).await;
        assert!(matches!(made, Err(Error::Invalid { field: "slug", .. })), "{slug}");
    }

    let elsewhere = ProviderChange { issuer: Some("https://evil.example".into()), ..ProviderChange::default() };
    let refused = store.change_provider(someone(), made.id, elsewhere.clone()).await;
    assert!(matches!(refused, Err(Error::Invalid { field: "secret", .. })));
    let with_secret = ProviderChange { secret: Some(Some(b"new".to_vec())), ..elsewhere };
    assert_eq!(store.change_provider(someone(), made.id, with_secret).await.unwrap().issuer, "https://evil.example");
    let gone = ProviderChange { secret: Some(None), ..ProviderChange::default() };
    assert!(!store.change_provider(someone(), made.id, gone).await.unwrap().has_secret);

    let nowhere = Access::at(Duty::Viewer, [ClientId(99)]);
    let rules =
        ProviderRules { mapping: vec![Mapped { group: "g".into(), access: nowhere }], ..ProviderRules::default() };
    let unknown = ProviderChange { rules: Some(rules), ..ProviderChange::default() };
    assert!(store.change_provider(someone(), made.id, unknown).await.is_err());
    store.delete_provider(someone(), made.id).await.unwrap();
    assert_eq!(store.providers().await.unwrap(), []);
    assert_eq!(store.sealed(&name).await.unwrap(), None);
}

#[tokio::test]
async fn an_identity_is_one_users_and_the_last_way_in_stays() {
    let world = World::new().await;
    let store = &world.store;
    let ada = world.user("Ada", Access::Admin).await;
    let provider = add(&world, company()).await;
    assert!(store.sign_in_by_identity(shown(&provider, "7"), session()).await.unwrap().is_none());
    store.link_identity(someone(), ada.id, shown(&provider, "7")).await.unwrap();
    store.link_identity(someone(), ada.id, shown(&provider, "7")).await.unwrap();
    let empty = store.link_identity(someone(), ada.id, shown(&provider, " ")).await;
    assert!(matches!(empty, Err(Error::Invalid { .. })));
    let found = store.identities(ada.id).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].provider, Some((provider.id, "Company".to_owned())));
    let (_, begun) = store.sign_in_by_identity(shown(&provider, "7"), session()).await.unwrap().unwrap();
    assert_eq!((begun.user.id, begun.how), (ada.id, Proof::Provider));
    assert_eq!(store.whose_identity(&shown(&provider, "7")).await.unwrap(), Some(ada.id));

    // The same number at a GitHub that names itself alike is somebody else.
    let github = NewProvider { name: "Git".into(), slug: "git".into(), kind: ProviderKind::GitHub, ..company() };
    let github = add(&world, github).await;
    assert_eq!(store.whose_identity(&shown(&github, "7")).await.unwrap(), None);

    // Bob takes up an invitation with it; Ada's identity is refused, and the link lives on.
    let new = NewUser { name: "Bob".into(), access: Access::none(), passphrase: None };
    let (bob, link, _) = store.invite(someone(), new, SignedDuration::from_hours(1)).await.unwrap();
    assert!(store.accept_with_identity(&link, shown(&provider, "7"), session()).await.is_err());
    let (_, begun) = store.accept_with_identity(&link, shown(&provider, "8"), session()).await.unwrap();
    assert_eq!(begun.user.id, bob.id);
    assert!(store.accept_with_identity(&link, shown(&provider, "8"), session()).await.is_err());
    let id = store.identities(bob.id).await.unwrap()[0].id;
    assert!(matches!(store.unlink_identity(someone(), ada.id, id).await, Err(Error::NotFound(_))));
    assert!(matches!(store.unlink_identity(someone(), bob.id, id).await, Err(Error::Refused(_))));
    // One at a provider that is switched off is no way in.
    store.link_identity(someone(), bob.id, shown(&github, "8")).await.unwrap();
    let off = ProviderChange { enabled: Some(false), ..ProviderChange::default() };
    store.change_provider(someone(), github.id, off).await.unwrap();
    assert!(matches!(store.unlink_identity(someone(), bob.id, id).await, Err(Error::Refused(_))));
    assert!(store.sign_in_by_identity(shown(&github, "8"), session()).await.is_err());
    store.delete_user(someone(), bob.id).await.unwrap();
    assert_eq!(store.whose_identity(&shown(&provider, "8")).await.unwrap(), None);
}

#[tokio::test]
async fn groups_give_access_but_take_no_last_administrators() {
    let world = World::new().await;
    let store = &world.store;
    let ada = world.user("Ada", Access::Admin).await;
    let client = world.client("Acme").await;
    let provider = add(&world, NewProvider { strangers: true, ..company() }).await;
    let with = |subject: &str, access| Shown { access: Some(access), ..shown(&provider, subject) };
    store.link_identity(someone(), ada.id, shown(&provider, "7")).await.unwrap();
    let viewer = Access::everywhere(Duty::Viewer);
    let (_, begun) = store.sign_in_by_identity(with("7", viewer.clone()), session()).await.unwrap().unwrap();
    assert_eq!(begun.user.access, Access::Admin);

    // A client that is no more is left out; a name that is taken makes nobody its owner.
    let given = Access::at(Duty::Analyst, [client, ClientId(99)]);
    let named = Shown { label: "ada".into(), ..with("9", given) };
    let (_, begun) = store.sign_in_by_identity(named, session()).await.unwrap().unwrap();
    assert_eq!((begun.user.name.as_str(), &begun.user.access), ("ada 2", &Access::at(Duty::Analyst, [client])));
    let (_, begun) = store.sign_in_by_identity(with("9", Access::Admin), session()).await.unwrap().unwrap();
    assert_eq!(begun.user.access, Access::Admin);
    let (_, begun) = store.sign_in_by_identity(with("7", viewer.clone()), session()).await.unwrap().unwrap();
    assert_eq!(begun.user.access, viewer);
    let off = ProviderChange { enabled: Some(false), ..ProviderChange::default() };
    assert!(matches!(store.change_provider(someone(), provider.id, off).await, Err(Error::Refused(_))));
    assert!(matches!(store.delete_provider(someone(), provider.id).await, Err(Error::Refused(_))));
}
